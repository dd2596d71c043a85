package dev.sluice.uplink.producer;

/** Finds in what Kafka's clients throw the cause of all causes, which says most. Stateless. */
public final class RootCause {
    private RootCause() {}

    public static Throwable of(Throwable thrown) {
        var root = thrown;
        while (root.getCause() != null) root = root.getCause();
        return root;
    }
}
