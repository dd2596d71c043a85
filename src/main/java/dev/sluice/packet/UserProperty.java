package dev.sluice.packet;

/** A name and a value that a sender attached to a packet; names may repeat and the order is kept [MQTT-3.3.2-18]. */
public record UserProperty(String name, String value) {}
