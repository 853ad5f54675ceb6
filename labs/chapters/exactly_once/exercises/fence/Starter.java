import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringSerializer;

/** Exercise 06.3: each line of standard input to TOPIC; after every tenth, its number. */
public class Starter {
    public static void main(String[] arguments) throws IOException {
        var topic = System.getenv("TOPIC");
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        var producer =
                new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());

        var input = new BufferedReader(new InputStreamReader(System.in));
        for (var line = input.readLine(); line != null; line = input.readLine()) {
            var number = Integer.parseInt(line.split("\\|")[0]);
            producer.send(new ProducerRecord<>(topic, line.strip()));
            if (number % 10 == 9) {
                producer.flush();
                System.out.println(number);
            }
        }
    }
}
