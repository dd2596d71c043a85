package dev.sluice.uplink.route;

import dev.sluice.config.UplinkConfig.HeaderStyle;
import java.util.Set;

/**
 * The names of all headers that the gateway writes into Kafka records; the downlink reads those of MQTT, too. Kept beside the routes, which may not add a
 * header of such a name. Stateless.
 */
public final class HeaderNames {
    // What MQTT says about a message; the downlink reads them, too.
    public static final String TOPIC = "mqtt-topic";
    public static final String CLIENT_ID = "mqtt-client-id";
    public static final String QOS = "mqtt-qos";
    public static final String MESSAGE_ID = "mqtt-message-id";
    public static final String SEQ = "mqtt-seq";
    public static final String RETAIN = "mqtt-retain";
    public static final String CONTENT_TYPE = "content-type";
    public static final String RESPONSE_TOPIC = "mqtt-response-topic";
    public static final String CORRELATION_DATA = "mqtt-correlation-data";
    public static final String PAYLOAD_FORMAT = "mqtt-payload-format";
    public static final String EXPIRES_AT = "mqtt-expires-at";
    /** Begins the name of each User Property's header. */
    public static final String USER_PREFIX = "mqtt-user-";

    // CloudEvents 1.0.
    public static final String CE_SPEC_VERSION = "ce_specversion";
    /** The one that a route may add itself. */
    public static final String CE_TYPE = "ce_type";

    public static final String CE_ID = "ce_id";
    public static final String CE_TIME = "ce_time";
    public static final String CE_SOURCE = "ce_source";
    public static final String CE_SUBJECT = "ce_subject";
    public static final String CE_CLIENT_ID = "ce_mqttclientid";
    public static final String CE_QOS = "ce_mqttqos";
    public static final String CE_RETAIN = "ce_mqttretain";
    public static final String CE_RESPONSE_TOPIC = "ce_mqttresponsetopic";
    public static final String CE_CORRELATION_DATA = "ce_mqttcorrelationdata";
    public static final String CE_PAYLOAD_FORMAT = "ce_mqttpayloadformat";
    public static final String CE_EXPIRES_AT = "ce_mqttexpiresat";

    // W3C Trace Context.
    public static final String TRACE_PARENT = "traceparent";
    public static final String TRACE_STATE = "tracestate";

    /** Begins the names that a dead letter adds. */
    public static final String DEAD_LETTER = "dead-letter-";
    /** Begins the names that a record adds which did not reach its devices. */
    public static final String UNDELIVERABLE = "undeliverable-";

    // What follows one of the two.
    public static final String ERROR = "error";
    public static final String REASON = "reason";
    public static final String REASON_CODE = "reason-code";
    public static final String ROUTE = "route";
    public static final String KAFKA_TOPIC = "kafka-topic";
    public static final String PARTITION = "partition";
    public static final String OFFSET = "offset";
    public static final String PAYLOAD_BYTES = "payload-bytes";

    private static final Set<String> MQTT = Set.of(
            TOPIC,
            CLIENT_ID,
            QOS,
            MESSAGE_ID,
            SEQ,
            RETAIN,
            CONTENT_TYPE,
            RESPONSE_TOPIC,
            CORRELATION_DATA,
            PAYLOAD_FORMAT,
            EXPIRES_AT,
            TRACE_PARENT,
            TRACE_STATE);

    private static final Set<String> CLOUD_EVENTS = Set.of(
            CE_SPEC_VERSION,
            CE_ID,
            CE_TIME,
            CE_SOURCE,
            CE_SUBJECT,
            CE_CLIENT_ID,
            CE_QOS,
            CE_RETAIN,
            CE_RESPONSE_TOPIC,
            CE_CORRELATION_DATA,
            CE_PAYLOAD_FORMAT,
            CE_EXPIRES_AT);

    private HeaderNames() {}

    /** Whether the gateway adds a header of this name itself, so that a route of this style may not. */
    static boolean isReserved(String name, HeaderStyle style) {
        return MQTT.contains(name)
                || name.startsWith(USER_PREFIX)
                || name.startsWith(DEAD_LETTER)
                || style == HeaderStyle.CLOUDEVENTS && CLOUD_EVENTS.contains(name);
    }
}
