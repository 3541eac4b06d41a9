# preflight-probe, input: lines "ADDRESS PORT". Prints "open ADDRESS PORT" or "refused ADDRESS PORT"; who is not
# mentioned did not answer within three seconds. Last "end".
timeout 3 /bin/bash -c '
while read -r address port; do
  if { :; } 3<>"/dev/tcp/$address/$port"; then echo "open $address $port"; else echo "refused $address $port"; fi &
done
wait' 2>/dev/null || true
echo end
