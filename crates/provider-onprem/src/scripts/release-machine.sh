# release-machine KEY: all of ours goes, once KEY's job has taken OpenVidu away. The epoch waits in memory.
enter
[ -d "$state" ] || exit 0
job=$state/resources/$1/job
if [ -e "$job/completed" ] || [ -e "$job/began" ]; then refuse 84 'OpenVidu is still here'; fi
cp "$state/epoch" "$fences/$id.epoch"
mv -T "$state" "$top/.gone.$id.$$"
sync "$top"
sweep
