"""What the assignment fixes: which batch is which split, the four settings, and the size of the training.

Source: KTH DD2424, assignment 1, edition 2025. Letters as in `lib.model`.
"""

BATCHES = {"train": "data_batch_1", "val": "data_batch_2", "test": "test_batch"}  # exercise 1.1
ALL_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))  # exercise 2.1
N_VAL = 1000  # validation images where all batches train, exercise 2.1
SETTINGS = ((0.1, 0.0), (0.001, 0.0), (0.001, 0.1), (0.001, 1.0))  # (eta, lam), in the assignment's order
N_BATCH, N_EPOCHS = 100, 40
SIGMA = 0.01  # standard deviation of the initial weights, exercise 1.2
CHAOTIC_ETA = 0.1  # training oscillates there and amplifies rounding: no figure reproduces on another machine
