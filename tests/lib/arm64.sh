#!/bin/sh
# arm64.sh FOLDER CMD...: runs CMD where programs for aarch64 run as they are: in namespaces of its own, with the static qemu
# and the root of `tests/setup.sh arm64` in FOLDER, and a /dev/shm of its own. Linux 6.7 or later, which lets each user
# namespace have binary formats of its own.
if [ "${1:-}" != --inside ]; then
	exec unshare -Urmpf --mount-proc sh "$0" --inside "$@"
fi
shift
folder=$1
shift
magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
mount -t tmpfs -o size=1G tmpfs /dev/shm && mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc &&
	echo ":aarch64:M::$magic:$mask:$folder/qemu/usr/bin/qemu-aarch64-static:OCF" >/proc/sys/fs/binfmt_misc/register || exit 125
export QEMU_LD_PREFIX="$folder/debian" LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu/blas:/usr/lib/aarch64-linux-gnu/lapack
exec "$@"
