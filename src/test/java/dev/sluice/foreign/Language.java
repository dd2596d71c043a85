package dev.sluice.foreign;

import dev.sluice.support.Programs;
import java.nio.file.Path;
import java.util.List;

/** The languages of {@code src/test/foreign}: each fetches its libraries and builds its program once for each JVM. Immutable. */
enum Language {
    PYTHON {
        @Override
        List<String> build() {
            var python = TARGET.resolve("python/bin/python");
            Programs.build(
                    SOURCE, "python3", "-m", "venv", TARGET.resolve("python").toString());
            Programs.build(SOURCE, python.toString(), "-m", "pip", "-q", "install", "-r", "python/requirements.txt");
            return List.of(python.toString(), SOURCE.resolve("python/client.py").toString());
        }
    },
    GO {
        @Override
        List<String> build() {
            var program = TARGET.resolve("go").toString();
            Programs.build(SOURCE.resolve("go"), "go", "build", "-o", program, ".");
            return List.of(program);
        }
    },
    RUST {
        @Override
        List<String> build() {
            var target = TARGET.resolve("rust");
            Programs.build(SOURCE.resolve("rust"), "cargo", "build", "-q", "--target-dir", target.toString());
            return List.of(target.resolve("debug/foreign").toString());
        }
    },
    NODE {
        @Override
        List<String> build() {
            var folder = Programs.copy(SOURCE.resolve("js"), TARGET.resolve("js"));
            Programs.build(
                    folder, "npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock");
            return List.of("node", folder.resolve("client.cjs").toString());
        }
    };

    static final Path SOURCE = Path.of("src/test/foreign").toAbsolutePath();
    /** Never into the sources. */
    static final Path TARGET = Path.of("target/foreign").toAbsolutePath();

    private List<String> program;

    /** The command line of a client. */
    synchronized List<String> program() {
        if (program == null) program = build();
        return program;
    }

    abstract List<String> build();
}
