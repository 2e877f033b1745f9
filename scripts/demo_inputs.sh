#!/bin/sh
# Picks a dozen of the samples, with something of everything that can become of an input, and adds a file that is broken.
set -eu
samples=$1 inputs=$2
mkdir -p "$inputs"
for name in talk_yaw_1 talk_pitch_1 turn_standing_1 half_turn_1 phone_rotated_1 sixty_fps_1 near_duplicate_1 two_people_1 \
    nobody_1 from_behind_1 low_resolution_1 one_second_1; do
    cp "$samples/$name.mp4" "$inputs/"
done
head -c 40000 "$samples/talk_yaw_2.mp4" >"$inputs/cut_short.mp4"
