# Without an image there are no containers: the unit runs and that is all. What starts and stops it is noted.
put stand-in/up <<'UP'
# Started by openvidu.service.
date +%s%N >>/var/lib/openvidu-stand-in/started
exec sleep infinity
UP
put stand-in/down <<'DOWN'
date +%s%N >>/var/lib/openvidu-stand-in/stopped
DOWN
