import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.StringSerializer;

/** Exercise 03.1: send each line of standard input, and report what became of it. */
public class Starter {
    public static void main(String[] arguments) throws IOException {
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        settings.put("request.timeout.ms", "700");
        settings.put("delivery.timeout.ms", "1000");
        var producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());

        var input = new BufferedReader(new InputStreamReader(System.in));
        for (var line = input.readLine(); line != null; line = input.readLine()) {
            var number = line.split("\\|")[0];
            try {
                producer.send(new ProducerRecord<>(System.getenv("TOPIC"), line.strip()));
                report(number, "written");
            } catch (KafkaException error) {
                report(number, "not written");
            }
        }

        producer.flush();
    }

    /** Print `17 written`, `17 not written` or `17 unknown`. */
    private static void report(String number, String what) {
        System.out.println(number + " " + what);
    }
}
