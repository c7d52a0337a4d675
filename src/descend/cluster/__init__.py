"""cluster: one training by several processes, on torch.distributed; only this folder asks for torch, and only in such a process."""
