#!/bin/sh
# Packs the checkpoint in the three formats and measures them.
#   sh pack.sh WORK_FOLDER TEACHER_FOLDER FELSIC_PROGRAM NAME
set -eu
work=$1 teacher=$2 felsic=$3 name=$4
here=$(dirname "$0")
for weights in f32 int8 int4; do
    "$felsic" pack "$work/student" "$work/packs/$weights/$name" --name "$name" --revision 1 --weights $weights --table $weights
done
python "$here/evaluate.py" --work "$work" --teacher "$teacher" --felsic "$felsic" \
    f32="$work/packs/f32/$name" int8="$work/packs/int8/$name" int4="$work/packs/int4/$name"
