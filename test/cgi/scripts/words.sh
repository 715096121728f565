#!/bin/sh
# Tells the words of its command line.
printf 'Content-Type: text/plain\n\n'
echo "$# words"
for word; do printf '<%s>\n' "$word"; done
