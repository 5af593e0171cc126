"""The assignment's constants: the batch of each split, the four settings, the batch size, the number of epochs.

Source: KTH DD2424, assignment 1, edition 2025. Letters as in `lib.model`.
"""

BATCHES = {"train": "data_batch_1", "val": "data_batch_2", "test": "test_batch"}  # exercise 1.1
ALL_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))  # exercise 2.1
N_VAL = 1000  # validation images if all five batches are used, exercise 2.1
SETTINGS = ((0.1, 0.0), (0.001, 0.0), (0.001, 0.1), (0.001, 1.0))  # (eta, lam), in the assignment's order
N_BATCH, N_EPOCHS = 100, 40
SIGMA = 0.01  # standard deviation of the initial weights, exercise 1.2
CHAOTIC_ETA = 0.1  # training oscillates and amplifies rounding: another machine gives other numbers
