#!/usr/bin/env bash
# `make up`: a host, the built-in HTTP server, the echo actor, a link between them. Safe to run again:
# what is there already is left alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

readonly echo_ref=wasmcloud.azurecr.io/echo:0.3.4
readonly httpserver_ref=wasmcloud.azurecr.io/httpserver:0.16.3
readonly httpserver_key=VAG3QITQQ2ODAOWB5TTQSDJ53XK3SHBEIFNK4AYJ5RKAX2UNSCAPHA5M
readonly dashboard=http://localhost:4000
readonly address=0.0.0.0:8080

# from_json <expression>: prints what a Python expression over the object `it` on stdin says.
from_json() { python3 -c "import json,sys; it=json.load(sys.stdin); print($1)"; }
wash() { ./bin/wash "$@"; }
first_host() { wash ctl get hosts -o json 2>/dev/null | from_json 'it["hosts"][0]["id"] if it["hosts"] else ""' 2>/dev/null || true; }

host=$(first_host)
if [[ -z $host ]]; then
  wash up --detached
  host=$(first_host)
  [[ -n $host ]] || { echo "The host was started but does not answer; its log is named above." >&2; exit 1; }
else
  echo "A host is already running: $host"
fi

inventory=$(wash ctl get inventory "$host" -o json)
runs() { grep -qF "\"$1\"" <<<"$inventory"; }
runs "$httpserver_key" || wash ctl start provider "$httpserver_ref" --host-id "$host"
runs "$echo_ref" || wash ctl start actor "$echo_ref" --host-id "$host"

actor=$(wash ctl get inventory "$host" -o json |
  from_json "next((a['id'] for a in it['inventory']['actors'] if any(i.get('image_ref') == '$echo_ref' for i in [a, *a.get('instances', [])])), '')")
[[ -n $actor ]] || { echo "Echo was started but is not in the host's inventory ('./bin/wash ctl get inventory $host')." >&2; exit 1; }
# The link of echo as "<status> <address> <reason>"; nothing when there is none.
echo_link() {
  wash ctl link query -o json | from_json "next((l.get('status', '') + ' ' + l['values'].get('ADDRESS', '') + ' ' + l.get('reason', '') for l in it['links'] if l['actor_id'] == '$actor' and l['contract_id'] == 'wasmcloud:httpserver'), '')"
}
if [[ $(echo_link) != "active $address "* ]]; then
  wash ctl link put "$actor" "$httpserver_key" wasmcloud:httpserver "ADDRESS=$address"
fi
if [[ $(echo_link) != "active $address "* ]]; then
  echo "Echo runs, but its link does not work: $(echo_link)" >&2
  echo "Free the port and run 'make up' again, or link echo to another one ('./bin/wash ctl link put --help')." >&2
  exit 1
fi
if ! curl -fs --retry 5 --retry-connrefused --retry-delay 1 -o /dev/null localhost:8080; then
  echo "Echo is linked but does not answer on port 8080; the host's log says more." >&2
  exit 1
fi

cat <<TEXT

Echo answers HTTP. Try:   curl localhost:8080
The dashboard:            $dashboard
The command line:         ./bin/wash --help
Stop it all:              make down
TEXT
