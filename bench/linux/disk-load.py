"""Reads and writes a file past the cache, as it is told on its input: `write MIB` or `read MIB`, or `steady MIB_PER_S SECONDS`."""
import mmap
import os
import sys
import time

MIB = 1 << 20
buffer = mmap.mmap(-1, MIB)
buffer.write(os.urandom(MIB))
flags = os.O_RDWR | os.O_CREAT
try:
    file = os.open(sys.argv[1], flags | os.O_DIRECT)
except OSError:
    # A file system that knows no direct reads and writes: each is brought to the disk, and out of the cache.
    file = os.open(sys.argv[1], flags)


def work(kind, at):
    call = os.pwritev if kind == "write" else os.preadv
    call(file, [buffer], at % 64 * MIB)
    os.fdatasync(file)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)


print("ready", flush=True)
for line in sys.stdin:
    kind, *figures = line.split()
    if kind == "steady":
        rate, seconds = map(int, figures)
        begun = time.monotonic()
        for at in range(rate * seconds):
            time.sleep(max(0, begun + at / rate - time.monotonic()))
            work("write", at)
    else:
        for at in range(int(figures[0])):
            work(kind, at)
    print("done", flush=True)
