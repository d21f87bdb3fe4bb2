#!/bin/bash
# galera-move ahead|rest DATADIR URL STAMP RSYNC...: sends a datadir to the node's new host, by the rsync command that follows.
#
# ahead: while the server runs, so that little is left to be sent once it is stopped. rest: of a stopped server.
# Size and time of a file say nothing when it was written to while it was being read. So the stamp is a little older than the
# first look at the datadir, and what has changed since then is compared byte by byte; without a stamp everything is.
set -euo pipefail

phase=$1 datadir=$2 url=$3 stamp=$4
shift 4
cd "$datadir"

case $phase in
  ahead)
    rm -f "$stamp"
    touch --date='2 seconds ago' "$stamp.begun"
    code=0
    "$@" --delete ./ "$url" || code=$?
    # 24: files vanished meanwhile, as a running server's temporary ones do.
    ((code == 0 || code == 24)) || exit "$code"
    mv "$stamp.begun" "$stamp"
    ;;
  rest)
    if [[ -e $stamp ]]; then
      find . ! -type d -cnewer "$stamp" -printf '%P\0' | "$@" --ignore-times --from0 --files-from=- ./ "$url"
      "$@" --delete ./ "$url"
    else
      "$@" --delete --ignore-times ./ "$url"
    fi
    left=$("$@" --delete --dry-run --itemize-changes ./ "$url")
    if [[ -n $left ]]; then
      printf 'galera-move: these files still differ:\n%s\n' "$left" >&2
      exit 1
    fi
    ;;
  *)
    echo "galera-move: the first argument is ahead or rest, not '$phase'" >&2
    exit 2
    ;;
esac
