#!/bin/sh
# A step of the chaos: one file, named by its key, is its effect. Tells when each run began and ended; its token is in the
# ledger when the run counts. Slow at random places; refuses at times.
dir=$COAX_PARAM_DIR
token=$COAX_KEY.$$.$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
byte() { od -An -N1 -tu1 /dev/urandom | tr -d ' '; }
nap() { sleep "0.0$(($(byte) % 8))"; }
note() { echo "$1 $token $COAX_MSGID $COAX_KEY $(date +%s%3N)" >>"$dir/runs"; }

note began
echo "run $token" >&2
nap
if [ "$COAX_MODE" = undo ]; then
  rm -f "$dir/effects/$COAX_KEY"
else
  : >"$dir/effects/$COAX_KEY"
  nap
fi
note ended
[ "$COAX_MODE" = undo ] && exit 0
[ $(($(byte) % 16)) = 0 ] && exit 75
case ${0##*/} in
  refuse) exit 1 ;;
esac
echo "{\"s$COAX_STEP\": \"$token\"}"
