#!/usr/bin/env bash
# Packs the chart for a release: scripts/package-chart.sh OUT_DIR [URL]
#
# OUT_DIR then holds wasmcloud-host-<version>.tgz and an index.yaml, so that any web server that serves it is a chart
# repository (`helm repo add wasmcloud URL`). URL is where it will be served; without one the index names the file
# beside it. For an OCI registry: helm push OUT_DIR/*.tgz oci://REGISTRY/charts
# CHART_VERSION replaces the chart's number. Helm 3 or 4: the first of $TRELLIS_HELM, or `helm`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ $# -ge 1 && $# -le 2 ]] || { sed -n '2,9s/^# \?//p' "$0" >&2; exit 2; }
chart=deploy/charts/wasmcloud-host
helm=${TRELLIS_HELM:-helm}
helm=${helm%%:*}
command -v "$helm" >/dev/null || { echo "no '$helm' here: install Helm 3 or 4, or say where it is with TRELLIS_HELM" >&2; exit 1; }
# The host's number has one source, the project's: the tag of the image follows it.
app_version=$(sed -n 's/^project(trellis VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)
[[ -n $app_version ]] || { echo "CMakeLists.txt: no line 'project(trellis VERSION …'" >&2; exit 1; }
version=${CHART_VERSION:-$(sed -n 's/^version: *//p' "$chart/Chart.yaml")}
mkdir -p "$1"
"$helm" lint --strict --quiet "$chart"
"$helm" package "$chart" --destination "$1" --version "$version" --app-version "$app_version"
merge=()
[[ ! -f $1/index.yaml ]] || merge=(--merge "$1/index.yaml")   # earlier versions stay
"$helm" repo index "$1" ${2:+--url "$2"} "${merge[@]}"
