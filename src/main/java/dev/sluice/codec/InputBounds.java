package dev.sluice.codec;

import dev.sluice.packet.ReasonCode;

/**
 * How much of one client's input the gateway looks at; what is above is refused. Immutable.
 *
 * @param topicLevels levels of a Topic Name or Topic Filter
 * @param userProperties User Properties of a packet
 * @param userPropertyBytes their bytes in the packet
 * @param propertyBytes bytes of all properties of a packet
 * @param subscribeEntries Topic Filters of a SUBSCRIBE or UNSUBSCRIBE
 * @param connectBytes bytes of a CONNECT, except its will and its password
 * @param topicAliasBytes bytes of the Topic Names that the topic aliases of a connection stand for
 * @param unansweredSubscribes SUBSCRIBEs and UNSUBSCRIBEs of a connection that wait for their answer
 */
public record InputBounds(
        int topicLevels,
        int userProperties,
        int userPropertyBytes,
        int propertyBytes,
        int subscribeEntries,
        int connectBytes,
        int topicAliasBytes,
        int unansweredSubscribes) {
    /** Of whoever need not be bounded, such as a client that reads what its own server sends. */
    public static final InputBounds NONE = new InputBounds(
            Integer.MAX_VALUE,
            Integer.MAX_VALUE,
            Integer.MAX_VALUE,
            Integer.MAX_VALUE,
            Integer.MAX_VALUE,
            Integer.MAX_VALUE,
            Integer.MAX_VALUE,
            Integer.MAX_VALUE);

    public static final String TOPIC_LEVELS = "topic-levels-maximum";
    public static final String USER_PROPERTIES = "user-properties-maximum";
    public static final String USER_PROPERTY_BYTES = "user-property-bytes-maximum";
    public static final String PROPERTY_BYTES = "property-bytes-maximum";
    public static final String SUBSCRIBE_ENTRIES = "subscribe-entries-maximum";
    public static final String CONNECT_BYTES = "connect-bytes-maximum";
    public static final String TOPIC_ALIAS_BYTES = "topic-alias-bytes-maximum";
    private static final String UNANSWERED_SUBSCRIBES = "unanswered-subscribes-maximum";

    /** The longest text or binary data of a packet, and the two bytes that say how long it is. */
    private static final int FIELD = 2 + 65_535;

    public InputBounds {
        require(TOPIC_LEVELS, topicLevels, 1);
        require(USER_PROPERTIES, userProperties, 0);
        require(USER_PROPERTY_BYTES, userPropertyBytes, 0);
        require(PROPERTY_BYTES, propertyBytes, 0);
        require(SUBSCRIBE_ENTRIES, subscribeEntries, 1);
        require(CONNECT_BYTES, connectBytes, 128);
        require(TOPIC_ALIAS_BYTES, topicAliasBytes, 0);
        require(UNANSWERED_SUBSCRIBES, unansweredSubscribes, 1);
    }

    private static void require(String key, long value, long least) {
        if (value < least)
            throw new IllegalArgumentException(
                    "sluice.mqtt." + key + ": is " + value + ", and has to be " + least + " or more");
    }

    /** The largest packet that can be a CONNECT within the bounds, its fixed header included. */
    public int largestConnect() {
        var password = FIELD;
        var will = 4L + propertyBytes + FIELD + FIELD;
        return (int) Math.min(Integer.MAX_VALUE, connectBytes + password + will);
    }

    /** The fault of something that is above a bound; the key goes to the end of the sentence. */
    public static MqttFault fault(ReasonCode reason, String bound, String sentence) {
        return new MqttFault(reason, bound, sentence(bound, sentence));
    }

    public static String sentence(String bound, String sentence) {
        return sentence + " (sluice.mqtt." + bound + ")";
    }
}
