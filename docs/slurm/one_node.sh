#!/bin/bash
# Train on all cards of one machine:
#   sbatch docs/slurm/one_node.sh futsal ./Frames -s out -m rny008_gsm --batch_size 32
# from the folder of this project. What stands behind the name of this file goes to train_e2e.py.
#SBATCH --job-name=spotting
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=4
#SBATCH --cpus-per-task=32
#SBATCH --time=24:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=spotting-%j.log
set -e
source .venv/bin/activate
export OMP_NUM_THREADS=1 # frames are read by threads of each process's own, -j
srun --kill-on-bad-exit=1 torchrun --standalone --nproc_per_node=gpu train_e2e.py "$@" --resume
