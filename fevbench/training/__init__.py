"""Training, shared by all methods: data, loop, checkpoints, averages, logs, devices."""
