#!/bin/sh
# A step of the crash campaign: one file is its effect. Slow at random places, refuses at times, and notes whenever
# another run of the same step is still there.
dir=$COAX_PARAM_DIR
byte() { od -An -N1 -tu1 /dev/urandom | tr -d ' '; }
nap() { sleep "0.0$(($(byte) % 10))"; }

exec 9>"$dir/locks/$COAX_KEY"
if ! flock -n 9; then
  echo "$COAX_MODE of $COAX_KEY began while another run of it was there" >>"$dir/violations"
  exit 1
fi
nap
if [ "$COAX_MODE" = undo ]; then
  rm -f "$dir/effects/$COAX_KEY"
  # The campaign asks at times that the server die while something is undone.
  if mv "$dir/fuse" "$dir/fuse.$COAX_KEY" 2>/dev/null; then
    kill -9 "$(sed 's/.*"pid":\([0-9]*\).*/\1/' "$dir/data/server.json")"
    sleep 1
  fi
  nap
  echo '{}'
  exit 0
fi
: >"$dir/effects/$COAX_KEY"
nap
[ $(($(byte) % 12)) = 0 ] && exit 75
case ${0##*/} in
  refuse) exit 1 ;;
esac
echo "{\"s$COAX_STEP\": \"$COAX_KEY\"}"
