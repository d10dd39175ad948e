#!/bin/sh
# Becomes the systemd-nspawn of one host. Runs in a mount namespace of its own, so that the host's mounts and
# its loop device go with its last process, however that ends.
# Environment: HOST, DISK, IMAGE, DIR (of the host below /run).
set -eu

# Repairs what the machine's own crash may have done; a disk that was in order takes a hundredth of a second.
damaged=0
e2fsck -p "$DISK" >/dev/null || damaged=$?
if [ "$damaged" -ge 4 ]; then
    echo "its disk is damaged: \`python -m lab destroy $HOST\` and \`python -m lab up\` make a new one"
    exit 1
fi

mkdir -p "$DIR/disk" "$DIR/root"
# No barriers: a flush of the host's file system needs to reach the machine's memory only. A host's power cut
# keeps that (the lab can't prove fsync anyway), and eight hosts that fsync share one disk.
mount -o loop,noatime,barrier=0 "$DISK" "$DIR/disk"
mkdir -p "$DIR/disk/upper" "$DIR/disk/work"
# redirect_dir: programs on a real disk may rename folders.
mount -t overlay -o "redirect_dir=on,lowerdir=$IMAGE,upperdir=$DIR/disk/upper,workdir=$DIR/disk/work" \
    overlay "$DIR/root"

# What a host is given once, and may change afterwards, and what the lab decides at every boot. Nothing is
# written that is there already: a host whose disk is full must boot too.
place() {
    (cd "$1" && find . -type f) | while read -r file; do
        cmp -s "$1/$file" "$DIR/root/$file" && continue
        mkdir -p "$DIR/root/$(dirname "$file")"
        cp --preserve=mode "$1/$file" "$DIR/root/$file"
    done
}
if [ ! -e "$DIR/disk/seeded" ]; then
    place "$DIR/seed/once"
    touch "$DIR/disk/seeded"
fi
place "$DIR/seed/always"

# --capability: what daemons on a virtual machine may do, without the machine's clock and modules.
exec systemd-nspawn --quiet --boot --machine="$HOST" --directory="$DIR/root" \
    --register=no --keep-unit --network-bridge=fleet0 --resolv-conf=off --timezone=off --link-journal=no \
    --capability=CAP_NET_ADMIN,CAP_IPC_LOCK,CAP_SYSLOG,CAP_WAKE_ALARM,CAP_BLOCK_SUSPEND \
    --console=read-only
