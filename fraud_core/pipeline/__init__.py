"""The shell: the only reader and writer of files, stage
commands, the notebook runner, MLflow, figures, the report.
"""
