package dev.sluice.packet;

import dev.sluice.topic.TopicName;

/** The message a client asks to be published when its connection ends without DISCONNECT (section 3.1.2.5). */
public record Will(TopicName topicName, QoS qos, boolean retain, Properties properties, byte[] payload) {}
