"""What is to be run, as values: a job, its output, where it runs, whether it is done; ``executors`` run them."""
