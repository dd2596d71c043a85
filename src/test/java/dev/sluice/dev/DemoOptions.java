package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.util.Iterator;
import java.util.List;

/** How large and how long the demo is; immutable. */
record DemoOptions(int devices, int rate, int seconds, int gateways) {
    static final String USAGE = """
            Usage: ./sluice demo [--devices 100] [--rate 1000] [--seconds 20] [--gateways 1]

            Does what ./sluice run does, then lets simulated devices publish with QoS 1 over WebSocket, half of them with
            MQTT 5, half with MQTT 3.1.1, and counts what arrives in the Kafka topic fleet.telemetry.
            Exit status 1 if a message that was acknowledged is not in Kafka, or if ./sluice audit finds it not clean.

              --devices   how many devices connect, 1 to 20000
              --rate      messages a second, all devices together, 1 to 200000
              --seconds   how long they publish, 1 to 86400
              --gateways  how many gateways there are behind one port, 1 to 10
            """;

    static DemoOptions parse(List<String> arguments) {
        var options = new DemoOptions(100, 1000, 20, 1);
        for (var words = arguments.iterator(); words.hasNext(); ) {
            var word = words.next();
            options = switch (word) {
                case "--devices" -> options.with(number(word, words, 20_000), options.rate, options.seconds);
                case "--rate" -> options.with(options.devices, number(word, words, 200_000), options.seconds);
                case "--seconds" -> options.with(options.devices, options.rate, number(word, words, 86_400));
                case GatewayPlan.OPTION ->
                    new DemoOptions(
                            options.devices,
                            options.rate,
                            options.seconds,
                            GatewayPlan.count(words.hasNext() ? words.next() : "nothing"));
                default -> throw new Complaint("demo does not understand '" + word + "'.\n\n" + USAGE);
            };
        }
        return options;
    }

    private DemoOptions with(int newDevices, int newRate, int newSeconds) {
        return new DemoOptions(newDevices, newRate, newSeconds, gateways);
    }

    private static int number(String option, Iterator<String> words, int most) {
        var text = words.hasNext() ? words.next() : "nothing";
        if (!text.matches("[0-9]{1,6}") || Integer.parseInt(text) < 1 || Integer.parseInt(text) > most) {
            throw new Complaint(option + " needs a whole number from 1 to " + most + ", but got " + text + ".");
        }
        return Integer.parseInt(text);
    }
}
