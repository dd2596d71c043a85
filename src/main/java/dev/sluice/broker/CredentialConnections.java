package dev.sluice.broker;

import dev.sluice.access.credential.CredentialsChanged;
import dev.sluice.access.credential.CredentialsChanged.Consequence;
import dev.sluice.packet.ReasonCode;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Singleton;

/** Ends the connections of users whose credentials have changed, on the thread that tells of it. Stateless. */
@Singleton
class CredentialConnections {
    private final Broker broker;

    CredentialConnections(Broker broker) {
        this.broker = broker;
    }

    void changed(@Observes CredentialsChanged change) {
        broker.end(
                identity -> change.of(identity) == Consequence.WITHDRAWN,
                ReasonCode.NOT_AUTHORIZED,
                "the credential is not valid any more");
        broker.end(
                identity -> change.of(identity) == Consequence.OUTDATED,
                ReasonCode.ADMINISTRATIVE_ACTION,
                "the groups, the limits or the validity of the credential have changed: connect again");
    }
}
