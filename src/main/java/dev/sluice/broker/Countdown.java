package dev.sluice.broker;

/** Runs a task once it has been run so many times itself. Confined to one thread. */
final class Countdown implements Runnable {
    private final Runnable task;
    private int missing;

    Countdown(int times, Runnable task) {
        this.missing = times;
        this.task = task;
    }

    @Override
    public void run() {
        if (--missing == 0) task.run();
    }
}
