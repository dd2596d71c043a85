package dev.sluice.config;

/**
 * The order in which the gateway's parts start and stop, as priorities of observers of {@code StartupEvent},
 * {@code ShutdownDelayInitiatedEvent} and {@code ShutdownEvent}: a smaller number comes first; observers with the same number need
 * nothing of each other. Flyway has migrated the schema before the first one; the HTTP server accepts connections after the last one.
 *
 * <table>
 * <caption>Who needs whom</caption>
 * <tr><th>start</th><th>part</th><th>needs, or has to come before</th></tr>
 * <tr><td>{@link #OAUTH_URLS}</td><td>OauthUrls</td><td>every client of Kafka, which asks for the allowed URLs when it logs in</td></tr>
 * <tr><td>{@link #KAFKA_CLASSES}</td><td>ClientCheck</td><td>the messaging channel, whose producer would fail with less to say</td></tr>
 * <tr><td>{@link #POSTGRES_PROBE}</td><td>StoreHealth</td><td>everyone who asks PostgreSQL asks it first whether PostgreSQL answers</td></tr>
 * <tr><td>{@link #MEMBERSHIP}</td><td>Membership</td><td>the schema; whatever is opened, written or held under this gateway's name is of a later run than what
 *     was there before</td></tr>
 * <tr><td>{@link #SWEEPS}</td><td>SessionExpiry, DeliverySweep, Burials, SettingsComparison</td><td>Membership knows whether this gateway sweeps, and which run it is</td></tr>
 * <tr><td>{@link #CREDENTIALS}</td><td>CredentialWatch</td><td>the schema; RouteListener, which begins to listen with the routes</td></tr>
 * <tr><td>{@link #RULES}</td><td>LiveRules</td><td>the schema; RouteListener, which begins to listen with the routes</td></tr>
 * <tr><td>{@link #ROUTES_AND_SPOOL}</td><td>LiveRoutes, Spool, TokenAuthentication,
 *     Administrators, AdminAccount</td><td>the schema; before the first will and the first PUBLISH, which need to know where
 *     they go</td></tr>
 * <tr><td>{@link #SUBSCRIPTIONS}</td><td>Broker, LostLease</td><td>Membership has freed the wills that an earlier run held; the wills that it starts to publish need
 *     routes and spool</td></tr>
 * <tr><td>{@link #KAFKA_PROBE}</td><td>KafkaHealth, UplinkProducer</td><td>the messaging channel, which Quarkus starts at the default priority, 2500</td></tr>
 * <tr><td>{@link #RELAY}</td><td>KafkaRelay</td><td>the producer; this gateway has a mailbox by then; what others tell has somewhere to go</td></tr>
 * <tr><td>{@link #KAFKA_READERS}</td><td>SpoolWatch, ProducerWatch, Downlink</td><td>KafkaHealth asks Kafka by then; Broker reads the subscriptions, and says when it knows them</td></tr>
 * </table>
 *
 * <table>
 * <caption>At the stop</caption>
 * <tr><th>stop</th><th>part</th><th>needs, or has to come before</th></tr>
 * <tr><td>{@link #DRAIN_DELAY}</td><td>Drain (only while sockets are open: {@code ShutdownDelayInitiatedEvent})</td><td>all is as always until load balancers have
 *     heard of it</td></tr>
 * <tr><td>{@link #STOP_DOWNLINK}</td><td>Downlink</td><td>clients are still there, to acknowledge what they were sent</td></tr>
 * <tr><td>{@link #DRAIN}</td><td>Drain (only while sockets are open: {@code ShutdownDelayInitiatedEvent})</td><td>clients get nothing new from Kafka by then</td></tr>
 * <tr><td>{@link #STOP_WORKERS}</td><td>Broker, SpoolWatch, ProducerWatch, SessionExpiry, DeliverySweep, Burials, LiveRules, AdminAccount</td><td>Journal, which still commits what they have in hand</td></tr>
 * <tr><td>{@link #STOP_JOURNAL}</td><td>Journal</td><td>PostgreSQL's pool, and everybody who writes is done</td></tr>
 * <tr><td>{@link #STOP_RELAY}</td><td>KafkaRelay</td><td>clients are gone, and the journal has told what it has committed; the producer is still there</td></tr>
 * <tr><td>{@link #STOP_SPOOL}</td><td>SpoolWatch, and with it the uplink's producer</td><td>the journal has committed the last rows, PostgreSQL still answers, and
 *     nobody produces any more</td></tr>
 * <tr><td>{@link #STOP_MEMBERSHIP}</td><td>Membership</td><td>everything is written, so that nobody has to take this gateway for dead; PostgreSQL still answers</td></tr>
 * <tr><td>{@link #STOP_PROBES}</td><td>StoreHealth, KafkaHealth, RouteListener, TokenAuthentication, Administrators</td><td>the pool is not closed yet; nobody asks them any more</td></tr>
 * <tr><td>{@link #STOP_LOG}</td><td>LastLines</td><td>nobody is left who may not wait for the console</td></tr>
 * </table>
 */
public final class StartOrder {
    public static final int OAUTH_URLS = 1;
    public static final int KAFKA_CLASSES = 50;
    public static final int POSTGRES_PROBE = 100;
    public static final int MEMBERSHIP = 1000;
    public static final int SWEEPS = 2500;
    public static final int CREDENTIALS = 2545;
    public static final int RULES = 2540;
    public static final int ROUTES_AND_SPOOL = 2550;
    public static final int SUBSCRIPTIONS = 2600;
    public static final int KAFKA_PROBE = 3000;
    public static final int RELAY = 3050;
    public static final int KAFKA_READERS = 3100;

    public static final int DRAIN_DELAY = 500;
    public static final int STOP_DOWNLINK = 1000;
    public static final int DRAIN = 2500;
    public static final int STOP_WORKERS = 2500;
    public static final int STOP_JOURNAL = 4000;
    public static final int STOP_RELAY = 4025;
    public static final int STOP_SPOOL = 4050;
    public static final int STOP_MEMBERSHIP = 4080;
    public static final int STOP_PROBES = 4100;
    public static final int STOP_LOG = 4200;

    private StartOrder() {}
}
