#!/bin/sh
# Runs inside the new image, as its last step.
set -eu
export DEBIAN_FRONTEND=noninteractive

# Each host brings its own keys.
rm -f /etc/ssh/ssh_host_*
systemctl enable systemd-networkd.service ssh.service
# sshd answering is what `lab up` waits for; the rest would hold the boot up or take dpkg's lock at odd times.
systemctl mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer \
    e2scrub_all.timer fstrim.timer dpkg-db-backup.timer

# A lab host's packages need not survive the machine's power cut, nor be read about.
cat >/etc/dpkg/dpkg.cfg.d/lab <<'CONFIG'
force-unsafe-io
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
CONFIG

# A package cache that the hosts share without sharing a lock: what roles install is fetched here once, and
# lies below every host's disk. A package that is missing here is fetched by the host, as anywhere.
apt-get update
apt-get install --yes --download-only --no-install-recommends \
    ca-certificates haproxy keepalived logrotate nftables python3-venv rabbitmq-server redis-sentinel \
    redis-server supervisor
