# health: state of systemd, uptime in s, load in permille of a core for each core, free memory and disk in KiB.
systemctl is-system-running || true
cut -d . -f 1 /proc/uptime
cores=$(nproc)
read -r load _ </proc/loadavg
# "0.25" without its point is hundredths; ten times that is permille.
echo $((10#${load/./} * 10 / cores))
awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo
df --output=avail -k / | tail -n 1
