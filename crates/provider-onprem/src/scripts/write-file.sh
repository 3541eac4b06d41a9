# write-file KEY PATH MODE OWNER, input: record, content.
key=$1 path=$2 mode=$3 owner=$4
folder=$(dirname "$path")
[ -d "$folder" ] || refuse 79 "there is no folder $folder"
staged=$folder/.$(basename "$path").openvidu-operator
inbox
receive "$received/record"
receive "$received/content"
enter
claim "$key" File "$path"
# In the file's own folder, since only there it can become the file in one step. What a killed script left is written over.
cp --no-preserve=all --remove-destination "$received/content" "$staged"
chown "$owner" "$staged"
chmod "$mode" "$staged"
sha256sum <"$staged" | cut -d ' ' -f 1 >"$received/sha256"
cp "$received/record" "$mine/.record"
cp "$received/sha256" "$mine/.sha256"
settle "$mine/.record" "$mine/record"
settle "$mine/.sha256" "$mine/sha256"
settle "$staged" "$path"
