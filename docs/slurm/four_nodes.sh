#!/bin/bash
# Train on all cards of four machines (sbatch --nodes=8 ...: of eight):
#   sbatch docs/slurm/four_nodes.sh futsal ./Frames -s out -m rny008_gsm --batch_size 128
# from the folder of this project, on a disk that all of them see. What stands behind the name of this file goes to
# train_e2e.py.
#SBATCH --job-name=spotting
#SBATCH --nodes=4
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
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 20000)) # another for each job: two may share a machine
srun --kill-on-bad-exit=1 torchrun --nnodes="$SLURM_NNODES" --nproc_per_node=gpu \
    --rdzv_backend=c10d --rdzv_id="$SLURM_JOB_ID" --rdzv_endpoint="$first:$port" train_e2e.py "$@" --resume
