"""Run the measurements that need nothing beyond this package: python -m benchmarks."""

from benchmarks import accuracy, memory

if __name__ == "__main__":
    accuracy.main()
    memory.main()
