package dev.sluice.config;

import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** What the gateway grants to clients. Read once at the start; any thread may read it. */
@ConfigMapping(prefix = "sluice.mqtt")
public interface MqttConfig {
    /** Paths that accept the WebSocket upgrade; `/mqtt/*` stands for everything below `/mqtt/`. */
    @WithDefault("/mqtt")
    List<String> paths();

    /** Largest control packet that a client may send, in bytes; a larger one is DISCONNECT 0x95 before it is buffered. */
    @WithDefault("1048576")
    int maximumPacketSize();

    /** QoS 1 and 2 PUBLISHes of one client that may wait for their answer, 1 to 65535; further ones are held back. */
    @WithDefault("1024")
    int receiveMaximum();

    /** QoS 2 PUBLISHes of one MQTT 3 client that may wait for its PUBREL, 1 to 65535; further ones are held back. */
    @WithDefault("10000")
    int unreleasedMaximum();

    /** Topic aliases of one connection, 0 to 65535 in each direction. */
    @WithDefault("32")
    int topicAliasMaximum();

    /** Longest Keep Alive granted to an MQTT 5 client, in seconds, also to one that asks for none; 0 grants any. */
    @WithDefault("3600")
    int keepAliveMaximum();

    /** Longest Session Expiry Interval granted, and that of an MQTT 3 session without clean session. */
    @WithDefault("7d")
    Duration sessionExpiryMaximum();

    /** Longest client identifier, in bytes of UTF-8. */
    @WithDefault("256")
    int clientIdMaximum();

    /** Sockets that may be open in all, upgraded or not; further ones are closed at once. 0 bounds none. */
    @WithDefault("200000")
    int connectionsMaximum();

    /** The same from one address (IPv6: from one /64); a further upgrade is answered with 429. 0 bounds none. */
    @WithDefault("0")
    int connectionsPerAddressMaximum();

    /** Sockets that may be open without a WebSocket, those in a TLS handshake included; further ones are closed at once. 0 bounds none. */
    @WithDefault("10000")
    int handshakesMaximum();

    /** Origins of web pages that may connect besides those of the gateway's own host, such as `https://app.example.com`; `*` for any. */
    Optional<List<String>> allowedOrigins();

    /** Time from the acceptance of the socket to CONNECT; then it is closed. */
    @WithDefault("10s")
    Duration connectTimeout();

    /** Time from the first byte of a packet to its last; then the socket is closed. 0s waits for ever. */
    @WithDefault("60s")
    Duration packetTimeout();

    /**
     * Silence after which a client is sent a WebSocket ping, for the sake of proxies that cut idle sockets, if its Keep Alive is 0 or longer;
     * 0s sends none.
     */
    @WithDefault("30s")
    Duration pingInterval();

    /** Bytes that may wait for a slow client to read them; above, the client is not read until it has caught up. */
    @WithDefault("262144")
    int sendBuffer();

    /** Time in which a client has to take something of what waits for it; then its socket is cut. 0s waits for ever. */
    @WithDefault("60s")
    Duration sendTimeout();

    /** Response Information for clients that request it: the prefix of topics to use for responses; empty sends none. */
    Optional<String> responseInformation();

    /** QoS 1 and 2 PUBLISHes to one client that may wait for its answer, 1 to 65535; fewer where its Receive Maximum is less. */
    @WithDefault("256")
    int sendQuota();

    /** Messages that may wait in memory for one client, because it is slow or has not answered the ones before. */
    @WithDefault("1000")
    int queueCount();

    /** The same in bytes. */
    @WithDefault("1048576")
    long queueBytes();

    /** Bytes of messages that may wait in memory for all clients together; above, a message that would have to wait is dropped. */
    @WithDefault("134217728")
    long queueBytesInAll();

    /** What is dropped when more arrive. */
    @WithDefault("drop-qos0-first")
    QueuePolicy queuePolicy();

    /** Most rows of a persistent session's queue that are read at a time, 1 to 65535. */
    @WithDefault("256")
    int queuePage();

    /** Subscriptions of one client; a further one is answered with 0x97. */
    @WithDefault("1000")
    int subscriptionsMaximum();

    /** Shared Subscriptions of one client, which gets a copy of a message for each that matches it; a further one is answered with 0x97. */
    @WithDefault("100")
    int sharedSubscriptionsMaximum();

    /** Of these, such as one message could match: so many copies of it the client gets at most; a further one is answered with 0x97. */
    @WithDefault("16")
    int sharedSubscriptionsOverlapping();

    /** Whether messages of one topic, or of one publisher, always go to the same member of a Shared Subscription. */
    @WithDefault("none")
    ShareOrder shareOrder();

    /** Bytes of the Topic Filters of one client's subscriptions; a further one is answered with 0x97. */
    @WithDefault("262144")
    int subscriptionBytesMaximum();

    /**
     * Bytes on the heap of the Topic Filters of all subscriptions, and 200 for each, those of clients that are offline included; a further
     * one is answered with 0x97. 0 bounds none.
     */
    @WithDefault("268435456")
    long subscriptionBytesInAll();

    /** Topic Filters of a SUBSCRIBE or UNSUBSCRIBE; one with more is DISCONNECT 0x97. */
    @WithDefault("1000")
    int subscribeEntriesMaximum();

    /** SUBSCRIBEs and UNSUBSCRIBEs of one connection that may wait for their answers; above, it is not read. */
    @WithDefault("16")
    int unansweredSubscribesMaximum();

    /** Levels of a Topic Name or Topic Filter; one with more is answered with 0x90 or 0x8F. */
    @WithDefault("128")
    int topicLevelsMaximum();

    /** Bytes of the Topic Names that the topic aliases of one connection stand for; above is DISCONNECT 0x97. */
    @WithDefault("65536")
    int topicAliasBytesMaximum();

    /** User Properties of a packet; a PUBLISH with more is answered with 0x97, any other packet with DISCONNECT or CONNACK 0x97. */
    @WithDefault("64")
    int userPropertiesMaximum();

    /** Their bytes in the packet; the same answers. */
    @WithDefault("16384")
    int userPropertyBytesMaximum();

    /** Bytes of all properties of a packet; the same answers. */
    @WithDefault("131072")
    int propertyBytesMaximum();

    /** Bytes of a CONNECT without its will and its password; a larger one is CONNACK 0x95. */
    @WithDefault("16384")
    int connectBytesMaximum();

    /** Bytes of packets that have not arrived whole, of all connections together; above, the one that began first is DISCONNECT 0x97. */
    @WithDefault("33554432")
    long partialPacketBytesInAll();

    /** Bytes held of HTTP heads that have not arrived whole, of all sockets together; above, the socket is closed whose head began first. */
    @WithDefault("16777216")
    long partialHeadBytesInAll();

    /** Messages that may be retained in all; above, a PUBLISH that would retain one on a further topic is refused with 0x97. 0 bounds none. */
    @WithDefault("1000000")
    long retainedMaximum();

    /** Bytes of the names of their topics in all; the same answer. 0 bounds none. */
    @WithDefault("100663296")
    long retainedNameBytes();

    /** Whether a payload (of a PUBLISH or Will) that claims to be UTF-8 is checked; if it is not, the answer is 0x99. */
    @WithDefault("true")
    boolean payloadFormatCheck();

    /** Deliveries to clients that may wait for their event loops, in all; above, publishers' sockets are not read. */
    @WithDefault("200000")
    long deliveriesUnderWay();

    /** Interval at which the figures below {@code $SYS/broker/} are published; 0s publishes none and lets nobody subscribe. */
    @WithDefault("0s")
    Duration sysInterval();

    /** What is dropped when a queue in memory is full. */
    enum QueuePolicy {
        /** The messages that wait longest. */
        DROP_OLDEST,
        /** The message that arrives. */
        DROP_NEWEST,
        /** The messages of QoS 0 that wait longest; with none of them left, the one that arrives. */
        DROP_QOS0_FIRST
    }

    /** What is always given to the same member of a Shared Subscription, as long as that is connected. */
    enum ShareOrder {
        NONE,
        TOPIC,
        CLIENT
    }
}
