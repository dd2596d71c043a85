package dev.sluice.foreign;

/** A client library that others wrote, with one version of MQTT. Immutable. */
interface Library {
    /** A client that is not connected yet. */
    ForeignClient client(ForeignClient.Identity identity) throws Exception;

    /** Whether it speaks MQTT 5; otherwise MQTT 3.1.1. */
    boolean isVersion5();
}
