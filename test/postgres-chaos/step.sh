#!/bin/sh
# A step of the chaos: one file, named by its key, is its effect. Tells when each run began and ended; its token is in the
# ledger when the run counts. Slow at random places; refuses at times. A run that outlived its lease (its worker was
# stopped, it was not) is refused its effect by its fence once a later run has had its turn.
trap '' TERM
dir=$COAX_PARAM_DIR
token=$COAX_KEY.$$.$(od -An -N4 -tx4 /dev/urandom | tr -d ' ')
# All chances at once: what a signal cuts off in the middle of an arithmetic expression ends the shell without its trap.
set -- $(od -An -N3 -tu1 /dev/urandom)
nap() { sleep "0.0$(($1 % 8))"; }
note() { echo "$1 $token $COAX_MSGID $COAX_KEY $(date +%s%3N)" >>"$dir/runs"; }

# A cancel ends a run by a signal, and its outcome counts: it has ended all the same. Until `note began` is done it is ignored, as
# it is while the end is told: the two lines are written whole.
note began
trap "trap '' TERM; note ended" EXIT
trap 'exit 143' TERM
echo "run $token" >&2
nap "$1"
exec 9>>"$dir/fences/$COAX_KEY"
flock 9
seen=$(tail -n 1 "$dir/fences/$COAX_KEY")
if [ "${seen:-0}" -gt "$COAX_FENCE" ]; then
  echo "fenced: $seen came before $COAX_FENCE" >&2
  exit 75
fi
echo "$COAX_FENCE" >&9
if [ "$COAX_MODE" = undo ]; then
  rm -f "$dir/effects/$COAX_KEY"
else
  : >"$dir/effects/$COAX_KEY"
fi
exec 9>&-
nap "$2"
[ "$COAX_MODE" = undo ] && exit 0
[ $(($3 % 16)) = 0 ] && exit 75
case ${0##*/} in
  refuse) exit 1 ;;
esac
echo "{\"s$COAX_STEP\": \"$token\"}"
