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

    /** QoS 1 and 2 PUBLISHes of one client that may wait for their answer, 1 to 65535; a v3 client is not read meanwhile. */
    @WithDefault("1024")
    int receiveMaximum();

    /** Topic aliases that a client may set per connection, 0 to 65535. */
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

    /** Time from the WebSocket upgrade to CONNECT; then the socket is closed. */
    @WithDefault("10s")
    Duration connectTimeout();

    /** Interval of WebSocket pings to the client, for the sake of proxies that cut idle sockets; 0s sends none. */
    @WithDefault("30s")
    Duration pingInterval();

    /** Bytes that may wait for a slow client to read them; above, the client is not read until it has caught up. */
    @WithDefault("262144")
    int sendBuffer();

    /** Response Information for clients that request it: the prefix of topics to use for responses; empty sends none. */
    Optional<String> responseInformation();
}
