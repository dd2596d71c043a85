package dev.sluice.broker;

/** A socket that takes everything at once and is always read; of its connection's event loop. */
abstract class QuietTransport implements Transport {
    private final long acceptedAt = System.nanoTime();

    @Override
    public long unsent() {
        return 0;
    }

    @Override
    public long taken() {
        return 0;
    }

    @Override
    public void pause() {}

    @Override
    public void resume() {}

    @Override
    public void ping() {}

    @Override
    public long acceptedAt() {
        return acceptedAt;
    }
}
