package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.util.Optional;

/** Who may publish, subscribe and receive what. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.access")
public interface RulesConfig {
    /** Whether {@code rules} say who may do what, so that what none names is denied, or everybody may do everything: {@code off}. Default: rules. */
    @WithDefault("rules")
    Authorization authorization();

    /**
     * A file of rules in JSON or YAML, besides those in PostgreSQL, which replace their namesakes. Looked at twice a second, and read again
     * when it has changed. Default: none.
     */
    Optional<String> rulesFile();

    /**
     * What becomes of a subscription of which a rule denies a part: {@code refuse}, or {@code filter}, so that what is denied is not
     * delivered. Default: refuse.
     */
    @WithDefault("refuse")
    OverlappingDeny overlappingDeny();

    /**
     * What becomes of a client that is connected when it may no longer have one of its subscriptions: {@code disconnect} with 0x87, or
     * {@code unsubscribe}, of which MQTT cannot tell it. Default: disconnect.
     */
    @WithDefault("disconnect")
    OnLostRight onLostRight();

    /** Who says who may do what. */
    enum Authorization {
        /** The rules. */
        RULES,
        /** Nobody: everybody who is let in may do everything. */
        OFF
    }

    /** What becomes of a subscription of which a rule denies a part. */
    enum OverlappingDeny {
        /** It is refused. */
        REFUSE,
        /** It is granted; what the rule denies is not delivered. */
        FILTER
    }

    /** What becomes of a client that has lost the right to a subscription. */
    enum OnLostRight {
        /** It is disconnected, with Not authorized (0x87). */
        DISCONNECT,
        /** It loses the subscription. */
        UNSUBSCRIBE
    }
}
