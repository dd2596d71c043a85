package dev.sluice.broker;

import dev.sluice.broker.routing.LiveSubscription;
import dev.sluice.broker.routing.RetainedRecipient;
import dev.sluice.topic.NameIndex.Found;
import dev.sluice.topic.NameIndex.Place;

/** The transfer to a client whose session ends with its connection: messages go from PostgreSQL to the socket. As {@link RetainedTransfer}. */
final class LiveTransfer extends RetainedTransfer {
    private final long begun;

    LiveTransfer(
            RetainedRecipient connection,
            RetainedMessages retained,
            RetainedTransfers all,
            LiveSubscription subscription,
            long begun) {
        super(connection, retained, all, subscription, Place.START);
        this.begun = begun;
    }

    @Override
    Loaded read(Found found) {
        return readLive(found, Long.MIN_VALUE, begun);
    }

    @Override
    void finish() {}
}
