"""What every trained model here shares: data, the loop, checkpoints, averages, logs, devices."""
