# power-on.sh NAME OCTET CGROUP CLIENT-KEY EQUIPMENT: boots a machine in its lab and stays until it is off.
# Its disk is what it wrote over this host's own root; a second power-on finds that disk again.
# EQUIPMENT: docker, for one with a Docker engine; else empty.
set -euo pipefail
name=$1 octet=$2 cgroup=$3 key=$4 equipment=$5
disk=/run/machines/$name

# systemd wants a cgroup of its own in every hierarchy; on a host with cgroup 2 alone there is just one.
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then hierarchies=(/sys/fs/cgroup); else hierarchies=(/sys/fs/cgroup/*/); fi
for hierarchy in "${hierarchies[@]}"; do
  hierarchy=${hierarchy%/}
  [ -L "$hierarchy" ] && continue
  for group in "$hierarchy/$cgroup" "$hierarchy/$cgroup/$name"; do
    mkdir -p "$group"
    # A new cpuset is empty, and nothing can run in it.
    if [ -e "$group/cpuset.mems" ] && [ ! -e /sys/fs/cgroup/cgroup.controllers ]; then
      cat "$group/../cpuset.cpus" >"$group/cpuset.cpus"
      cat "$group/../cpuset.mems" >"$group/cpuset.mems"
    fi
  done
  echo $$ >"$hierarchy/$cgroup/$name/cgroup.procs"
done

# The address of the card must not change from boot to boot: neighbours remember it for half a minute.
ip netns add "$name"
ip link add "port-$octet" type veth peer name host0 netns "$name"
ip link set "port-$octet" master hub up
ip -n "$name" link set host0 address "02:00:c0:00:02:$(printf %02x "$octet")"
ip -n "$name" address add "192.0.2.$octet/24" dev host0
ip -n "$name" link set host0 up
ip -n "$name" link set lo up

mkdir -p "$disk"/{upper,work,root}
export name disk key equipment
exec unshare --mount --propagation slave bash -euo pipefail -c '
root=$disk/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$disk/upper,workdir=$disk/work" "$root"

if [ ! -e "$disk/installed" ]; then
  # Of the host only its files are wanted: not its name, its mounts, nor the services that it runs.
  : >"$root/etc/machine-id"
  : >"$root/etc/fstab"
  echo "$name" >"$root/etc/hostname"
  echo "127.0.0.1 localhost $name" >"$root/etc/hosts"
  rm -f "$root/usr/sbin/policy-rc.d" "$root"/etc/ssh/ssh_host_*
  rm -rf "$root"/etc/systemd/system/*.wants
  units=$root/etc/systemd/system
  mkdir -p "$units/multi-user.target.wants"
  ln -sf /lib/systemd/system/multi-user.target "$units/default.target"
  ln -sf /lib/systemd/system/ssh.service "$units/multi-user.target.wants/ssh.service"
  for unit in systemd-logind getty@ console-getty systemd-networkd systemd-resolved systemd-timesyncd; do
    ln -sf /dev/null "$units/$unit.service"
  done

  ssh-keygen -q -t ed25519 -N "" -C "" -f "$root/etc/ssh/ssh_host_ed25519_key"
  cat >"$root/etc/ssh/sshd_config" <<SSHD
HostKey /etc/ssh/ssh_host_ed25519_key
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
MaxStartups 100
SSHD
  # root; admin, who may become root without a password; guest, who may not.
  for user in admin guest; do chroot "$root" useradd --create-home --password "*" --shell /bin/bash "$user"; done
  echo "admin ALL=(ALL) NOPASSWD: ALL" >"$root/etc/sudoers.d/admin"
  chmod 440 "$root/etc/sudoers.d/admin"
  for home in root home/admin home/guest; do
    mkdir -p -m 700 "$root/$home/.ssh"
    cp "$key" "$root/$home/.ssh/authorized_keys"
    chown -R --reference="$root/$home" "$root/$home/.ssh"
    chmod 600 "$root/$home/.ssh/authorized_keys"
  done
  if [ "$equipment" = docker ]; then
    # A client of the host that is newer than the engine would not talk to it.
    rm -f "$root/usr/local/bin/docker"
    # No bridge and no rules: containers use the network of their machine, as those of OpenVidu do.
    mkdir -p "$root/etc/docker"
    echo "{\"storage-driver\": \"overlay2\", \"iptables\": false, \"bridge\": \"none\", \"exec-opts\": [\"native.cgroupdriver=cgroupfs\"]}" \
      >"$root/etc/docker/daemon.json"
    for unit in containerd docker; do
      ln -sf "/lib/systemd/system/$unit.service" "$units/multi-user.target.wants/$unit.service"
      # What a machine without all rights can have.
      mkdir -p "$units/$unit.service.d"
      printf "[Service]\nLimitNOFILE=4096\nLimitNPROC=4096\nLimitCORE=0\nOOMScoreAdjust=0\n" >"$units/$unit.service.d/machine.conf"
    done
  fi
  touch "$disk/installed"
fi

extra=()
if [ "$equipment" = docker ]; then
  # Its layers cannot lie on an overlay; they outlive a power cut like the rest of the disk.
  mkdir -p "$disk/docker" "$root/var/lib/docker"
  mount --bind "$disk/docker" "$root/var/lib/docker"
  export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
  extra+=(--system-call-filter=add_key --system-call-filter=keyctl --system-call-filter=bpf)
fi

exec systemd-nspawn --quiet --directory="$root" --machine="$name" --boot --console=pipe --notify-ready=yes \
  --register=no --keep-unit --network-namespace-path="/run/netns/$name" --capability=CAP_NET_ADMIN "${extra[@]}"
'
