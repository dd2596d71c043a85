package dev.sluice.foreign;

/** The client libraries of Java, each with each version of MQTT that it speaks. Immutable. */
enum JavaLibrary implements Library {
    HIVEMQ_3 {
        @Override
        public ForeignClient client(ForeignClient.Identity identity) {
            return new HiveMq3(identity);
        }
    },
    HIVEMQ_5 {
        @Override
        public ForeignClient client(ForeignClient.Identity identity) {
            return new HiveMq5(identity);
        }
    },
    PAHO_3 {
        @Override
        public ForeignClient client(ForeignClient.Identity identity) throws Exception {
            return new Paho3(identity);
        }
    },
    PAHO_5 {
        @Override
        public ForeignClient client(ForeignClient.Identity identity) throws Exception {
            return new Paho5(identity);
        }
    };

    @Override
    public boolean isVersion5() {
        return name().endsWith("5");
    }
}
