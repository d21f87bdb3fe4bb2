#!/usr/bin/env bash
# Has a Docker Engine answer on this machine: installs Debian's or Ubuntu's (and an SSH client) when there is none, and starts
# it where no init system does. `engine.sh stop` ends the engine that this script started, when no lab is left.
set -euo pipefail
cd "$(dirname "$0")/.."
pid_file=.lab/dockerd.pid

say() { echo "==> $*"; }
answers() { docker info >/dev/null 2>&1; }

if [[ ${1:-start} == stop ]]; then
  if [[ -f $pid_file ]] && answers && [[ -z $(docker ps -q) ]]; then
    say "stopping the Docker Engine that the lab started"
    pid=$(<"$pid_file")
    kill "$pid" 2>/dev/null || true
    timeout 60 tail --pid="$pid" -f /dev/null
    rm -f "$pid_file"
  fi
  exit 0
fi

missing=()
command -v ssh-keygen >/dev/null || missing+=(openssh-client)
answers || command -v dockerd >/dev/null || missing+=(docker.io iptables)
if ((${#missing[@]} > 0)); then
  if [[ $(id -u) -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "Install an SSH client and Docker Engine (https://docs.docker.com/engine/install/), start the latter, and call make again." >&2
    exit 1
  fi
  say "installing ${missing[*]}"
  mkdir -p .lab
  {
    apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
  } >.lab/engine.log 2>&1 || { tail -n 20 .lab/engine.log >&2; exit 1; }
fi

answers && exit 0
if [[ -d /run/systemd/system ]]; then
  say "starting Docker Engine"
  systemctl start docker
else
  say "starting Docker Engine (no init system here; its log is .lab/dockerd.log)"
  mkdir -p .lab
  # After a crash these may name a process of somebody else's by now, and the engine would wait for it.
  grep -qsx dockerd /proc/[0-9]*/comm || rm -f /var/run/docker.pid
  grep -qsx containerd /proc/[0-9]*/comm || rm -f /var/run/docker/containerd/containerd.pid
  setsid dockerd >.lab/dockerd.log 2>&1 </dev/null &
  echo $! >"$pid_file"
fi
for _ in $(seq 60); do
  answers && exit 0
  sleep 1
done
echo "Docker Engine does not answer after 60 s; see .lab/dockerd.log or journalctl -u docker." >&2
exit 1
