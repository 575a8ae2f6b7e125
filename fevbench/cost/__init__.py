"""What a model costs: parameters, latency, memory."""
