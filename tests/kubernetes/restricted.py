"""What PodSecurity `restricted` refuses, of https://kubernetes.io/docs/concepts/security/pod-security-standards."""

VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def containers(spec):
    return spec.get("initContainers", []) + spec["containers"]


def violations(spec):
    found = [f"{key} is set" for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    for volume in spec.get("volumes", []):
        found += [f"volume {volume['name']}: {kind}" for kind in volume if kind != "name" and kind not in VOLUMES]
    pod = spec.get("securityContext", {})
    for each in containers(spec):
        own = each.get("securityContext", {})

        def effective(key):
            return own.get(key, pod.get(key))

        wrong = []
        if own.get("privileged"):
            wrong.append("privileged")
        if own.get("allowPrivilegeEscalation") is not False:
            wrong.append("allowPrivilegeEscalation")
        if effective("runAsNonRoot") is not True or effective("runAsUser") == 0:
            wrong.append("may run as root")
        if (effective("seccompProfile") or {}).get("type") not in ("RuntimeDefault", "Localhost"):
            wrong.append("seccompProfile")
        capabilities = own.get("capabilities", {})
        if capabilities.get("drop") != ["ALL"] or set(capabilities.get("add", [])) - {"NET_BIND_SERVICE"}:
            wrong.append("capabilities")
        if any(port.get("hostPort") for port in each.get("ports", [])):
            wrong.append("hostPort")
        found += [f"container {each['name']}: {what}" for what in wrong]
    return found
