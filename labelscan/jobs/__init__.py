"""What is to be run, as values: a job, its learner and output, where it runs, whether it is done; executors."""
