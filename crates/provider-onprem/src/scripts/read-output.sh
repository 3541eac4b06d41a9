# read-output KEY OFFSET LIMIT: what the job printed from there on.
output=$state/resources/$1/job/output
[ -e "$output" ] || refuse 81 'there is no such job'
tail -c "+$(($2 + 1))" "$output" | head -c "$3"
