package dev.sluice.access.token;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Keys in a file of this machine. */
record KeyFile(Path path, int mostBytes) implements KeySource {
    @Override
    public byte[] read() throws IOException {
        try (var in = Files.newInputStream(path)) {
            var bytes = in.readNBytes(mostBytes + 1);
            if (bytes.length > mostBytes) throw new IOException("it has more than " + mostBytes + " bytes");
            return bytes;
        } catch (NoSuchFileException _) {
            throw new IOException("there is no such file");
        }
    }

    @Override
    public String toString() {
        return path.toString();
    }
}
